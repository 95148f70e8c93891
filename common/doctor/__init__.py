"""The port doctor: tensors of a port in, the first that differs and its cause out."""
