"""What people look at: the database, the page, the table on the terminal."""
