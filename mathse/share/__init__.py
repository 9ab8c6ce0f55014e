"""What people do with the datasets: look at them, ask about them, report on them, and choose params."""
