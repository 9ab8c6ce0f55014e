"""Where problems come from: adapters that yield rows, images, and the stage that admits or rejects each row."""
