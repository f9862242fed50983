"""The report: tables, figures and a page from finished jobs."""
