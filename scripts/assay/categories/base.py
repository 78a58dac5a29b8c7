"""What a task category is, and what every category is handed.

A category module has
    PARAMETERS  closed JSON schema of its settings
    FORMAT      how its answers are written: "code" | "lines_and_code" | "findings"
    AIMED       optional: True if scenarios that tell a unit's mutants are to be looked for
    EXAMPLES    answers with what they must be worth, run by the contract test
    propose(material) -> Iterator[Candidate | Rejection]   in an order of the unit's own
    spare(material) -> Iterator[Candidate]                 optional: what else may be tried where
                                        none of the unit's candidates was proven
    judge(extraction, key, bench, options) -> Judgement    the one judge of gates and scorer;
                                        `key` is Candidate.key, as `key_json` decodes to
    null_answers(candidate) -> dict[name, answer]          what must fail on all but controls
    weak_answers(candidate, material) -> dict[name, answer]   optional, for gate 5: the right
                                        answer spoilt by one mutation each; most must fail
    variants(candidate) -> list[Candidate]                 optional: paired variants of a proven
                                        candidate (`pair` in both keys, `steered` in theirs)
An answer in the form "lines_and_code" may give several units: Candidate.key["further_names"] are
the names of those beside the unit itself, and Extraction.beside holds what was taken for them.
Where an answer is a unit's code, Candidate.key["code"] is `code_key_json(CodeKey)`.
The records are in `_types`, the oracle over code in `_code`; plug-ins import both from here.
"""

from __future__ import annotations

from assay.categories._code import (
    code_job,
    code_key,
    code_key_json,
    judge_result,
    run_code_oracle,
    run_files_oracle,
    same_observation,
)
from assay.categories._place import PlaceError, place
from assay.categories._types import (
    FAILED,
    NOT_RUN,
    PASSED,
    UNREADABLE,
    VOID,
    Candidate,
    CodeKey,
    Extraction,
    Hidden,
    Judgement,
    Material,
    Mutation,
    Options,
    Rejection,
    Row,
)
from assay.categories._variants import file_with, raised, run_over

__all__ = [
    "FAILED",
    "NOT_RUN",
    "PASSED",
    "UNREADABLE",
    "VOID",
    "Candidate",
    "CodeKey",
    "Extraction",
    "Hidden",
    "Judgement",
    "Material",
    "Mutation",
    "Options",
    "PlaceError",
    "Rejection",
    "Row",
    "code_job",
    "code_key",
    "code_key_json",
    "file_with",
    "judge_result",
    "place",
    "raised",
    "run_code_oracle",
    "run_files_oracle",
    "run_over",
    "same_observation",
]
