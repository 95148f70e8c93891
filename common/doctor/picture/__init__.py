"""The finished picture of somebody's transfer in, beside content and style; what can be said of it out."""

from common.doctor.picture.examine import Examination, examine
from common.doctor.picture.files import saving_like
from common.doctor.picture.report import picture_json, picture_markdown, print_examination
from common.doctor.picture.scene import Tools
