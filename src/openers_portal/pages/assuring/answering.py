"""Read the answers to questions that are data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from openers_assurance.questions import Question, problems
from openers_web.form import Form


def read_answers(form: Form, questions: Sequence[Question], also_needed: Sequence[str] = ()) -> Mapping[str, str]:
    """Return the answers in a form by question; the form gets an error for each one that is not taken."""
    values = {each.id: form.text(each.id) for each in questions}
    for id, problem in problems(questions, values, also_needed):
        form.reject(id, problem)
    return {id: value for id, value in values.items() if value}
