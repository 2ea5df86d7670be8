"""The report of an evaluation: one page that a risk desk reads, keeps and passes on. Pure: data in, HTML out."""

from alerts.evaluation.report.page import render

__all__ = ["render"]
