"""Tables that people send as files: CSV and spreadsheets read into rows, cells into values."""
