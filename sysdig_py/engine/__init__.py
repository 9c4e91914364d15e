"""The data plane: records in, filtered events, text and trace records out. `vm.py` is the door."""
