"""Data quality: what must hold in the database, asked by suites of expectations, and the report of what was found.

Belongs here: the expectations, their run, comparison with the cloud by samples, results, the report page.
Not here: guards that stop work while it is done (``guards``), checks of a single run (``orchestration.checks``).
"""

from media_pipeline.quality.expectations import SAYS, Expectation, Suite
from media_pipeline.quality.report import QualityReport, SuiteResult, make
from media_pipeline.quality.validate import Result

__all__ = ["SAYS", "Expectation", "QualityReport", "Result", "Suite", "SuiteResult", "make"]
