"""What the bench prints: each figure beside its peer, and whether the aim is reached."""

from lessons.tools.rows import Missing, Row, read, shown


def test_a_row_is_held_against_its_peer_or_its_aim():
    less = Row("CPU, ms", 40.0, "workers", 100.0, 0.5)
    assert less.ratio == 0.4 and less.reached is True
    assert Row("CPU, ms", 60.0, "workers", 100.0, 0.5).reached is False
    ahead = Row("20 epochs, ms", 10.0, "compile + fit", 500.0, 40, ahead=True)
    assert ahead.ratio == 50 and ahead.reached is True
    assert Row("20 epochs, ms", 20.0, "compile + fit", 500.0, 40, ahead=True).reached is False
    assert (Row("errors", 0, aim=0).reached, Row("errors", 1, aim=0).reached) == (True, False)
    assert Row("memory, MB", 100.0).reached is None


def test_a_line_says_figure_peer_ratio_and_aim(capsys):
    shown([Row("CPU, ms", 60.0, "workers", 100.0, 0.5), Missing("the room", "needs httpx")], as_json=False)
    first, second = capsys.readouterr().out.splitlines()
    assert first.split() == "CPU, ms 60 workers: 100 0.6 × ≤ 0.5 not reached".split()
    assert second == "the room: not measured: needs httpx"


def test_another_program_reads_what_one_has_printed(capsys):
    rows = [Row("CPU, ms", 60.0, "workers", 100.0, 0.5), Row("errors", 0, aim=0), Missing("the room", "needs httpx")]
    shown(rows, as_json=True)
    assert read(capsys.readouterr().out) == rows
