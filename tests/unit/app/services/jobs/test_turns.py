from __future__ import annotations

from contextlib import ExitStack

from app.services.jobs.turns import Turns


class Database:
    """Gives turns as the database does: it sees what is committed, and nothing else."""

    def __init__(self, next_in_line=0):
        self.next_in_line = next_in_line
        self.committed = []

    def turn(self, place):
        last = max(self.committed, default=-1) + 1
        return max(self.next_in_line + place.behind, last, place.earliest)


def _store(turns, database, *, whose="ours"):
    with turns.place(whose, 1) as place:
        place.turn = database.turn(place)
    database.committed.append(place.turn)
    return place.turn


def test_one_after_the_other_is_left_to_the_database():
    turns, database = Turns(), Database(next_in_line=500)
    assert [_store(turns, database) for _ in range(3)] == [500, 501, 502]
    database.committed.clear()  # all are done, and the queue is empty
    database.next_in_line = 0
    assert _store(turns, database) == 0


def test_jobs_that_come_together_have_turns_of_their_own():
    turns, database = Turns(), Database(next_in_line=500)
    with ExitStack() as together:
        places = [together.enter_context(turns.place("ours", 1)) for _ in range(3)]
        for place in places:
            place.turn = database.turn(place)
    assert [place.turn for place in places] == [500, 501, 502]


def test_the_order_in_which_they_end_does_not_matter():
    turns, database = Turns(), Database(next_in_line=500)
    crowd = [turns.place("ours", 1) for _ in range(4)]
    first, second, third = (one.__enter__() for one in crowd[:3])
    for place in (third, second, first):
        place.turn = database.turn(place)
    crowd[2].__exit__(None, None, None)
    fourth = crowd[3].__enter__()
    assert [database.turn(place) for place in (first, second, third, fourth)] == [
        500,
        501,
        502,
        503,
    ]


def test_a_crowd_that_never_pauses_has_turns_of_its_own_and_leaves_no_gaps():
    turns, database = Turns(), Database()
    database.committed = list(range(100))
    given = []
    crowd = [turns.place("ours", 1) for _ in range(60)]
    for number, one in enumerate(crowd):
        place = one.__enter__()
        place.turn = database.turn(place)
        given.append(place.turn)
        if number >= 5:  # five are always on their way
            crowd[number - 5].__exit__(None, None, None)
            database.committed.append(given[number - 5])
    assert given[6:] == list(range(106, 160)), "once the first of them tells where the line is"


def test_a_place_that_was_not_taken_is_given_again():
    turns, database = Turns(), Database()
    with turns.place("ours", 7):
        pass
    assert _store(turns, database) == 0


def test_lines_do_not_know_each_other():
    turns, database = Turns(), Database()
    with turns.place("theirs", 50):
        assert _store(turns, database) == 0
