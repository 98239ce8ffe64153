"""Unmasked. `streamlit run app.py` imports this file as `app`, for its server, and runs it as `__main__`, for pages."""

if __name__ == "__main__":
    from pages.route import route

    route()
else:
    import streamlit as st

    from pages.server import shown

    shown.require()
    from pages.server.lifespan import lifespan, middleware, routes

    app = st.App(__file__, lifespan=lifespan, middleware=middleware(), routes=routes())
