"""All tables of Redress, gathered from the floors that own them."""

from __future__ import annotations

from services.base.database import Base
from services.base.stream import model as _stream
from services.base.worker import model as _worker
from services.casework import model as _casework
from services.casework.directives import model as _directives
from services.casework.tasks import model as _tasks
from services.complaints import attachments as _attachments
from services.complaints import model as _complaints
from services.judgements import model as _judgements
from services.notices import model as _notices
from services.notices.arrivals import model as _arrivals
from services.notices.callbacks import model as _callbacks
from services.notices.staff import model as _staff_alerts
from services.people import model as _people
from services.plan import model as _plan
from services.surveys import model as _surveys

TABLE_MODULES = (
    _stream,
    _worker,
    _casework,
    _directives,
    _tasks,
    _attachments,
    _complaints,
    _judgements,
    _notices,
    _arrivals,
    _callbacks,
    _staff_alerts,
    _people,
    _plan,
    _surveys,
)

metadata = Base.metadata
