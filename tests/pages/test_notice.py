"""What a callback has to say stays while others draw the page, and goes when it is said anew or has had its time."""

from streamlit.testing.v1 import AppTest

from pages.parts import notice


def page() -> None:
    import streamlit as st

    from lessons.recipe.bad_input import BadInput
    from pages.parts.notice import note, refusing, tell_noted, warn_noted

    def press(good: bool) -> None:
        st.session_state.pop("done", None)
        with refusing("problem"):
            if not good:
                raise BadInput("name: got *nothing*; takes a word.")
            note("done", "It is there.")

    st.button("bad", on_click=press, args=(False,))
    st.button("good", on_click=press, args=(True,))
    warn_noted("problem")
    tell_noted("done", ":material/check:")


def said(test: AppTest) -> list[str]:
    assert not test.exception
    return [shown.value for shown in (*test.warning, *test.info)]


def test_it_stays_while_the_page_is_drawn_again_and_goes_with_the_next_press():
    test = AppTest.from_function(page).run()
    assert said(test) == []
    test.button[0].click().run()
    assert said(test) == said(test.run()) == [r"name: got \*nothing\*; takes a word."]
    test.button[1].click().run()
    assert said(test) == said(test.run()) == ["It is there."]


def test_it_goes_when_it_has_had_its_time(monkeypatch):
    test = AppTest.from_function(page).run()
    test.button[0].click().run()
    monkeypatch.setattr(notice, "LASTS", 0.0)
    assert said(test.run()) == []
    monkeypatch.undo()
    assert said(test.run()) == [], "and does not come back"
