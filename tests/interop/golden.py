def run(report, languages, options): pass
