"""Everything an operator runs or deploys: command line, models, benchmarks, decisions."""
