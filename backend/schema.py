"""Every collection of every feature, with its indexes and validators. One line here for a feature with a `mongo.py`."""

from backend.adapters.mail import outbox_store as outbox
from backend.features.accommodations import mongo as accommodations
from backend.features.accounts import mongo as accounts
from backend.features.assessments import mongo as assessments
from backend.features.attempts import mongo as attempts
from backend.features.audit import mongo as audit
from backend.features.batches import mongo as batches
from backend.features.campuses import mongo as campuses
from backend.features.courses import mongo as courses
from backend.features.invigilation import mongo as invigilation
from backend.features.items import mongo as items
from backend.features.mailings import mongo as mailings
from backend.features.raters import mongo as raters
from backend.features.ratings import mongo as ratings
from backend.features.results import mongo as results
from backend.features.students import mongo as students
from backend.storage import CollectionSpec

COLLECTIONS: tuple[CollectionSpec, ...] = (
    *audit.COLLECTIONS,
    *accounts.COLLECTIONS,
    *campuses.COLLECTIONS,
    *courses.COLLECTIONS,
    *batches.COLLECTIONS,
    *students.COLLECTIONS,
    *accommodations.COLLECTIONS,
    *items.COLLECTIONS,
    *assessments.COLLECTIONS,
    *attempts.COLLECTIONS,
    *invigilation.COLLECTIONS,
    *ratings.COLLECTIONS,
    *raters.COLLECTIONS,
    *results.COLLECTIONS,
    *mailings.COLLECTIONS,
    *outbox.COLLECTIONS,
)
