"""What Streamlit draws. Nothing else imports Streamlit."""
