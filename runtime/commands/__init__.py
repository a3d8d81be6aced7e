"""The command line, one file per group; each is imported only when it is asked for, so that starting stays quick."""
