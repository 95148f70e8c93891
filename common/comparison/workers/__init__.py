"""Processes that hold one backend each and answer requests."""

from common.comparison.workers.client import Outcome, Worker, WorkerDiedError
from common.comparison.workers.job import LONGEST_TURN_S, NO_DELAY, Delay, Job
