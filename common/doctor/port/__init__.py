"""What a port hands over: files, a callable, or tensors of a reference bundle."""

from common.doctor.port.bundle import MANIFEST, TENSORS, bundle_files, check_bundle_folder, read_bundle, write_bundle
from common.doctor.port.callable_port import Port, layers_of, load_port, tensors_of
from common.doctor.port.layouts import recognise
