"""What is reported of a piece of code, and what never is."""

from __future__ import annotations

import ast

import pytest

from assay.hallucinations.check import Invention, Place, check

INVENTED = [
    ("package", "import jsonx", "jsonx"),
    ("package", "from fast_validators.core import check", "fast_validators"),
    ("module", "import json.decode", "json.decode"),
    ("module", "from shop.carts import Cart", "shop.carts"),
    ("attribute", "import json\njson.parse('1')", "json.parse"),
    ("attribute", "from json import parse", "json.parse"),
    ("attribute", "import os.path\nos.path.join_all('a')", "os.path.join_all"),
    ("attribute", "from shop import errors\nraise errors.FullError", "errors.FullError"),
    ("attribute", "def f():\n    return places.combine('a')", "places.combine"),
    ("keyword", "import json\njson.dump(1, fp=None, pretty=True)", None),
    ("keyword", "import textwrap\ntextwrap.indent('a', prefix='b', width=3)", "width"),
    ("keyword", "Cart('me', rebate=1)", "rebate"),
    ("keyword", "from shop.cart import Cart\ncart = Cart('me')\ncart.total(round=True)", "round"),
    ("member", "cart = Cart('me')\ncart.price", "price"),
    ("member", "Cart.prices", "prices"),
    ("member", "''.joined([])", "joined"),
    ("member", "items = []\nitems.add(1)", "add"),
    ("member", "def f(x):\n    return dict.iteritems(x)", "iteritems"),
    ("member", "from collections import deque\ndeque().first()", "first"),
]  # fmt: skip
REAL = [
    "import json, os.path, xml.etree.ElementTree as tree\njson.loads, os.path.join('a'), tree.XML",
    "cart = Cart('me', discount=1)\ncart.owner, cart.first, cart.cached, cart.limit, cart.name",
    "cart = Cart('me')\ncart.refill(1, unit='kg', anything=2), cart.total(rounded=True)",
    "Cart.__name__, Cart.mro(), json.__doc__, EmptyError().args, EmptyError.code",
    # Bound twice, or as something else: nobody knows.
    "import json\njson = 1\njson.parse",
    "def f(json):\n    return json.parse",
    "for json in []:\n    json.parse",
    "cart = Cart('me')\ncart = other\ncart.price",
    "with a as json, b:\n    json.parse",
    "try:\n    pass\nexcept E as json:\n    json.parse",
    # Guarded, asked for or set by the code itself.
    "try:\n    import jsonx\nexcept ImportError:\n    jsonx = None",
    "import os, sys\nif sys.platform == 'win32':\n    os.startfile_of_windows()",
    "import json\nif hasattr(json, 'parse'):\n    json.parse",
    "import json\njson.parse = 1\njson.parse(2)",
    "import contextlib\nwith contextlib.suppress(ImportError):\n    import jsonx",
    "try:\n    import ssl\nexcept ImportError:\n    ssl = None\nif ssl:\n    import sslx",
    # Open: a lazy class or module, a class that sets names by text, one with any keyword.
    "from shop.cart import Lazy, Filled\nLazy().anything, Filled().anything",
    "from shop import lazy\nlazy.anything\nfrom shop.lazy import something",
    "import shop.broken\nshop.broken.anything",
    # The pinned code itself names it.
    "import nothing_of_this_name",
    "from shop.lazy import *\njson.parse",
    "def f() -> json.parse:\n    x: json.parse = 1",
    "super().anything, type(x).anything, unknown.anything",
    "from .cart import Cart\nfrom . import errors",
]  # fmt: skip


@pytest.mark.parametrize(("kind", "code", "name"), INVENTED)
def test_an_invention_is_reported(found, kind, code, name):
    # json.dump takes any keyword and hands it to the encoder: not to be known.
    assert found(code) == ([(kind, name)] if name else [])


@pytest.mark.parametrize("code", REAL)
def test_what_is_real_or_uncertain_is_not(found, code):
    assert found(code) == []


def test_self_may_be_any_heir_of_the_class(found):
    body = "def f(self):\n    return self.{}"
    for name in ("limit", "sum_of", "owner", "cached", "__class__"):
        assert found(body.format(name), class_name="Base") == [], name
    assert found(body.format("price"), class_name="Base") == [("member", "price")]
    assert found(body.format("price"), class_name="Lazy") == []
    assert found(body.format("price"), class_name="Nobody") == []
    assert found(body.format("price")) == []
    own = "class Cart(Base):\n    def f(self):\n        self.new = 1\n        self.new, self.price"
    assert found(own) == [("member", "price")]
    assert found("def f(self):\n    return self.total(round=1)", class_name="Cart") == [
        ("keyword", "round")
    ]


def test_relative_imports_start_from_the_package(api):
    def run(code, module, is_package):
        return [one.name for one in check(ast.parse(code), api, Place(module, is_package))]

    assert run("from .errors import EmptyError", "shop", is_package=True) == []
    assert run("from .errors import FullError", "shop", is_package=True) == [
        "shop.errors.FullError"
    ]
    assert run("from .error import EmptyError", "shop.cart", is_package=False) == ["shop.error"]
    assert run("from ..x import y", "shop.cart", is_package=False) == []


def test_hostile_code_takes_no_time(api):
    chain = "x0 = []\n" + "".join(f"x{n} = dict(a=x{n - 1}, b=x{n - 1})\n" for n in range(1, 60))
    assert check(ast.parse(chain), api, Place()) == []
    assert check(ast.parse("a = b()\nb = a()\na.c, b.c"), api, Place()) == []
    long = "".join(f"x{n} = dict(a=x{n + 1}, b=x{n + 1})\n" for n in range(2000))
    assert check(ast.parse(long + "x2000 = []\nx0.keys()\n"), api, Place()) == []
    many = "import json\n" + "".join(f"json.x{n}\n" for n in range(5000)) + f"json.{'y' * 9999}"
    assert len(check(ast.parse(many), api, Place())) == 100


@pytest.mark.parametrize("test", ["0x" + "f" * 4000, "x == 0x" + "f" * 4000])
def test_a_test_that_cannot_be_written_out_again_may_guard(api, test):
    for code in ("if {}: import jsonx", "{} or json.parse", "with {}: import jsonx"):
        assert check(ast.parse(code.format(test)), api, Place()) == []


def test_a_report_has_its_line_and_the_nearest_real_name(api):
    code = (
        "import json\n\nx = json.load_string('')\nx = Cart('me', discounts=1)\nimport colections\n"
    )
    made = check(ast.parse(code), api, Place("shop.cart"))
    assert made == [
        Invention(3, "attribute", "json.load_string", "loads"),
        Invention(4, "keyword", "discounts", "discount"),
        Invention(5, "package", "colections", "collections"),
    ]
