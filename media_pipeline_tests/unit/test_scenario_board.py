"""The board calls a scenario passed only where every one of its tests ran and none failed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from media_pipeline_tests import scenario_board
from media_pipeline_tests.named_tests import NamedTest
from media_pipeline_tests.scenario_board import BEGIN, END, Row

ONE, TWO = NamedTest("push/test_a.py", "test_one"), NamedTest("unit/test_b.py", "TestIt::test_two")

PAGE = f"""
| | what happens | what is promised | test |
|---|---|---|---|
| S01 | this | that | `push/test_a.py::test_one` |
| S02 | this | that | `push/test_a.py::test_one`<br>`unit/test_b.py::TestIt::test_two` |
| S01 | this, again | that | `push/test_a.py::test_one`<br>`unit/test_b.py::TestIt::test_two` |
| S03 | this | *not covered yet*: nobody can do it. | |
| S04 | this | *not covered yet* | |
| – | this | that | `unit/test_b.py::TestIt::test_two` |
{BEGIN}
| S09 | a scenario of the board | 1 | 1 | 0 | 0 | passed |
{END}
"""

REPORT = """<?xml version="1.0"?><testsuites><testsuite>
<testcase classname="media_pipeline_tests.push.test_a" name="test_one[a-1]" />
<testcase classname="media_pipeline_tests.push.test_a" name="test_one[b[2]]"><failure>no</failure></testcase>
<testcase classname="media_pipeline_tests.push.test_a" name="test_one[c]"><error>no</error></testcase>
<testcase classname="media_pipeline_tests.unit.test_b.TestIt" name="test_two"><skipped>why</skipped></testcase>
</testsuite></testsuites>"""


def verdicts(*ends: Counter[str]) -> str:
    tests = [ONE, TWO][: len(ends)]
    return scenario_board.verdict(tests, {test: end for test, end in zip(tests, ends, strict=True) if end})


def test_the_tables_say_which_tests_a_scenario_has_and_the_board_itself_does_not() -> None:
    assert scenario_board.mapping(PAGE) == {"S01": [ONE, TWO], "S02": [ONE, TWO], "S03": [], "S04": []}
    assert scenario_board.not_covered(PAGE) == {"S03"}


def test_another_test_or_another_place_makes_another_digest() -> None:
    digests = {
        scenario_board.digest(tests)
        for tests in ({"S01": [ONE]}, {"S01": [TWO]}, {"S01": [ONE, TWO]}, {"S01": [ONE], "S02": [TWO]})
    }

    assert len(digests) == 4
    assert scenario_board.digest({"S01": [TWO, ONE]}) == scenario_board.digest({"S01": [ONE, TWO]})


def test_the_cases_of_a_report_are_counted_for_their_test(tmp_path: Path) -> None:
    (tmp_path / "report.xml").write_text(REPORT, encoding="utf-8")

    assert scenario_board.results_of(tmp_path / "report.xml") == {
        ONE: Counter(passed=1, failed=2),
        TWO: Counter(skipped=1),
    }


def test_only_what_ran_and_did_not_fail_has_passed() -> None:
    good, bad, skipped, gone = Counter(passed=2), Counter(passed=9, failed=1), Counter(skipped=1), Counter[str]()

    assert verdicts(good) == verdicts(good, Counter(passed=1, skipped=3)) == "passed"
    assert verdicts(good, bad) == verdicts(bad, gone) == "**failed**"
    assert verdicts(good, skipped) == verdicts(gone, good) == "**a test did not run**"
    assert verdicts() == "**no test**"


def test_what_is_written_is_read_again_and_every_scenario_has_its_line() -> None:
    tests = {"S01": [ONE, TWO]}
    rows = scenario_board.judged(tests, {ONE: Counter(passed=2), TWO: Counter(passed=1, skipped=1)})
    text = scenario_board.written(rows, tests, day="2026-01-01", commit="a" * 12, minutes=2.4)

    assert scenario_board.rows_of(f"{BEGIN}\n{text}\n{END}") == rows
    assert rows[0] == Row("S01", scenario_board.TITLES["S01"], 2, 3, 0, 1, "passed")
    assert [row.verdict for row in rows[1:]] == ["**no test**"] * (len(scenario_board.TITLES) - 1)
    assert "1 of 44 passed" in text
    assert scenario_board.digest(tests) in text
