"""Final answers: found in a text (`extract`) and compared with the gold one by rule (`grade`)."""
