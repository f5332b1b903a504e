"""The score card: a rubric's judgement of a finished document."""
