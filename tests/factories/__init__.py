"""One function ``make_x(**overrides)`` for each model, in a module named like the model's."""

from tests.factories.accounts import *  # noqa: F403
from tests.factories.agents import *  # noqa: F403
from tests.factories.alerts import *  # noqa: F403
from tests.factories.conversations import *  # noqa: F403
from tests.factories.executions import *  # noqa: F403
from tests.factories.failures import *  # noqa: F403
from tests.factories.flows import *  # noqa: F403
from tests.factories.knowledge import *  # noqa: F403
from tests.factories.marketplace import *  # noqa: F403
from tests.factories.observability import *  # noqa: F403
from tests.factories.plugins import *  # noqa: F403
from tests.factories.security import *  # noqa: F403
from tests.factories.system import *  # noqa: F403
