-- A shop's database from November 2026, before version 1.0: a product, an order, a sign-up that
-- Klaviyo accepted, and one that was queued. Made with sqlite3's .dump.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO alembic_version VALUES('notify_me_0003');
INSERT INTO alembic_version VALUES('shop_0003');
CREATE TABLE notify_me_sign_up (
	id VARCHAR(32) NOT NULL, 
	created_at DATETIME NOT NULL, 
	mode VARCHAR(16) NOT NULL, 
	channels JSON NOT NULL, 
	email_hmac VARCHAR(64), 
	email_masked VARCHAR(64), 
	reported_at DATETIME, phone_hmac VARCHAR(64), phone_masked VARCHAR(32), digest VARCHAR(64), 
	PRIMARY KEY (id)
);
INSERT INTO notify_me_sign_up VALUES('DK85Eh8EqnJB4VKh8NgHWw','2026-11-29 20:39:02.479174','server','["EMAIL"]','2e9c61b2a6057f2be9f95f56cecba3c17f23f4a9b84e6b750c50c11daef5b599','a•••@l•••.dev',NULL,NULL,NULL,'0eb6678728b0866578a0bcfded120a8ba707392df822a9e9e145082c59320531');
INSERT INTO notify_me_sign_up VALUES('gXf9Vptx1caaSHLxXXl7LA','2026-11-29 20:39:08.631013','server','["EMAIL"]','fc1775cb1a4dca938962d3ceb0b4fad3912219d17eeb3107751222fc3e702dbb','b•••@l•••.dev',NULL,NULL,NULL,'91baacbef10c909d5311928432fb45275dd1654822164b6a9657bf89c4d69391');
CREATE TABLE IF NOT EXISTS "notify_me_call" (
	sign_up_id VARCHAR(32) NOT NULL, 
	position INTEGER NOT NULL, 
	operation VARCHAR(64) NOT NULL, 
	variant VARCHAR(500), 
	state VARCHAR(16) NOT NULL, 
	words VARCHAR(300) NOT NULL, 
	status INTEGER, 
	code VARCHAR(64) NOT NULL, 
	error_id VARCHAR(64) NOT NULL, 
	settled_at DATETIME, attempt INTEGER DEFAULT '0' NOT NULL, problem VARCHAR(300) DEFAULT '' NOT NULL, 
	PRIMARY KEY (sign_up_id, position), 
	FOREIGN KEY(sign_up_id) REFERENCES notify_me_sign_up (id) ON DELETE CASCADE
);
INSERT INTO notify_me_call VALUES('DK85Eh8EqnJB4VKh8NgHWw',0,'create_back_in_stock_subscription','$custom:::$default:::HAAR-OIL-M','taken','',202,'','','2026-11-29 20:39:02.954578',0,'');
INSERT INTO notify_me_call VALUES('gXf9Vptx1caaSHLxXXl7LA',0,'create_back_in_stock_subscription','$custom:::$default:::HAAR-OIL-M','kept','That didn''t go through. Please try again in a moment.',NULL,'','','2026-11-29 20:39:50.246401',6,'no answer (ConnectionError)');
CREATE TABLE notify_me_consent (
	id INTEGER NOT NULL, 
	sign_up_id VARCHAR(32), 
	given_at DATETIME NOT NULL, 
	channel VARCHAR(16) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	contact_hmac VARCHAR(64) NOT NULL, 
	contact_masked VARCHAR(64) NOT NULL, 
	text TEXT NOT NULL, 
	version VARCHAR(32) NOT NULL, 
	locale VARCHAR(35) NOT NULL, 
	list_id VARCHAR(64) NOT NULL, 
	custom_source VARCHAR(100) NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(sign_up_id) REFERENCES notify_me_sign_up (id) ON DELETE SET NULL
);
CREATE TABLE notify_me_hold (
	operation VARCHAR(64) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	until DOUBLE NOT NULL, 
	since DOUBLE NOT NULL, 
	cure VARCHAR(300) NOT NULL, 
	PRIMARY KEY (operation)
);
CREATE TABLE shop_product (
	id INTEGER NOT NULL, 
	handle VARCHAR(80) NOT NULL, 
	title VARCHAR(120) NOT NULL, 
	gloss VARCHAR(200) NOT NULL, 
	category VARCHAR(40) NOT NULL, 
	summary VARCHAR(200) NOT NULL, 
	description JSON NOT NULL, 
	details JSON NOT NULL, 
	tags JSON NOT NULL, 
	drawing VARCHAR(40) NOT NULL, 
	colour VARCHAR(7) NOT NULL, 
	position INTEGER NOT NULL, 
	search_text TEXT NOT NULL, 
	CONSTRAINT pk_shop_product PRIMARY KEY (id), 
	CONSTRAINT uq_shop_product_handle UNIQUE (handle)
);
INSERT INTO shop_product VALUES(1,'haar-parka','Haar Parka','haar: a cold fog that comes in off the North Sea and stays for lunch','wear','Three layers, no lining, and a hood that turns when you do.','["Most coats keep rain out for an hour. The Haar is cut for the other seven: a three-layer shell with every seam taped, a storm flap you can close with cold hands, and a hem long enough that the drips land on your boots and not your knees.", "The hood follows your head instead of facing front like a letterbox, and its peak holds a wire that you can bend. There are two pockets for hands, set high above a rucksack\u2019s belt, and one inside for a map."]','["Three-layer recycled polyamide, 148 g/m\u00b2", "Water column 20,000 mm, all seams taped", "Two-way zip with a storm flap on poppers", "610 g in M"]','["waterproof", "coats"]','parka','#e3a917',0,replace('haar parka\nthree layers, no lining, and a hood that turns when you do.\nwaterproof\ncoats\nmost coats keep rain out for an hour. the haar is cut for the other seven: a three-layer shell with every seam taped, a storm flap you can close with cold hands, and a hem long enough that the drips land on your boots and not your knees.\nthe hood follows your head instead of facing front like a letterbox, and its peak holds a wire that you can bend. there are two pockets for hands, set high above a rucksack''s belt, and one inside for a map.','\n',char(10)));
CREATE TABLE shop_option (
	id INTEGER NOT NULL, 
	product_id INTEGER NOT NULL, 
	name VARCHAR(40) NOT NULL, 
	position INTEGER NOT NULL, 
	"values" JSON NOT NULL, 
	CONSTRAINT pk_shop_option PRIMARY KEY (id), 
	CONSTRAINT fk_shop_option_product_id FOREIGN KEY(product_id) REFERENCES shop_product (id)
);
INSERT INTO shop_option VALUES(1,1,'Colour',0,'[{"name": "Oilskin", "swatch": "#e3a917"}, {"name": "Kelp", "swatch": "#4f6b4a"}, {"name": "Slate", "swatch": "#56697b"}]');
INSERT INTO shop_option VALUES(2,1,'Size',1,'[{"name": "S", "swatch": null}, {"name": "M", "swatch": null}, {"name": "L", "swatch": null}, {"name": "XL", "swatch": null}]');
CREATE TABLE shop_order (
	id INTEGER NOT NULL, 
	reference VARCHAR(43) NOT NULL, 
	placed_at DATETIME NOT NULL, 
	name VARCHAR(120) NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	address VARCHAR(500) NOT NULL, 
	total NUMERIC(10, 2) NOT NULL, 
	CONSTRAINT pk_shop_order PRIMARY KEY (id), 
	CONSTRAINT uq_shop_order_reference UNIQUE (reference)
);
INSERT INTO shop_order VALUES(1,'6h3Y7rVY9mpk50tRC_bacGuteuWKfpglr9OyP3wguCo','2026-11-29 20:39:06.910729','Ada','ada@lovelace.dev','2 Shore Road',248);
CREATE TABLE shop_order_line (
	id INTEGER NOT NULL, 
	order_id INTEGER NOT NULL, 
	sku VARCHAR(64) NOT NULL, 
	title VARCHAR(250) NOT NULL, 
	price NUMERIC(10, 2) NOT NULL, 
	quantity INTEGER NOT NULL, 
	CONSTRAINT pk_shop_order_line PRIMARY KEY (id), 
	CONSTRAINT fk_shop_order_line_order_id FOREIGN KEY(order_id) REFERENCES shop_order (id)
);
INSERT INTO shop_order_line VALUES(1,1,'HAAR-OIL-S','Haar Parka, Oilskin / S',248,1);
CREATE TABLE shop_look (
	id VARCHAR(32) NOT NULL, 
	changes TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_shop_look PRIMARY KEY (id)
);
CREATE TABLE IF NOT EXISTS "shop_variant" (
	id INTEGER NOT NULL, 
	product_id INTEGER NOT NULL, 
	sku VARCHAR(64) NOT NULL, 
	position INTEGER NOT NULL, 
	"values" JSON NOT NULL, 
	price NUMERIC(10, 2) NOT NULL, 
	quantity INTEGER, 
	policy VARCHAR(16) NOT NULL, 
	external_id VARCHAR(200) NOT NULL, 
	CONSTRAINT pk_shop_variant PRIMARY KEY (id), 
	CONSTRAINT fk_shop_variant_product_id FOREIGN KEY(product_id) REFERENCES shop_product (id), 
	CONSTRAINT uq_shop_variant_sku UNIQUE (sku), 
	CONSTRAINT uq_shop_variant_external_id UNIQUE (external_id)
);
INSERT INTO shop_variant VALUES(1,1,'HAAR-OIL-S',0,'["Oilskin", "S"]',248,5,'DENY','HAAR-OIL-S');
INSERT INTO shop_variant VALUES(2,1,'HAAR-OIL-M',1,'["Oilskin", "M"]',248,0,'DENY','HAAR-OIL-M');
INSERT INTO shop_variant VALUES(3,1,'HAAR-OIL-L',2,'["Oilskin", "L"]',248,9,'DENY','HAAR-OIL-L');
INSERT INTO shop_variant VALUES(4,1,'HAAR-OIL-XL',3,'["Oilskin", "XL"]',248,4,'DENY','HAAR-OIL-XL');
INSERT INTO shop_variant VALUES(5,1,'HAAR-KEL-S',4,'["Kelp", "S"]',248,5,'DENY','HAAR-KEL-S');
INSERT INTO shop_variant VALUES(6,1,'HAAR-KEL-M',5,'["Kelp", "M"]',248,12,'DENY','HAAR-KEL-M');
INSERT INTO shop_variant VALUES(7,1,'HAAR-KEL-L',6,'["Kelp", "L"]',248,2,'DENY','HAAR-KEL-L');
INSERT INTO shop_variant VALUES(8,1,'HAAR-KEL-XL',7,'["Kelp", "XL"]',248,7,'DENY','HAAR-KEL-XL');
INSERT INTO shop_variant VALUES(9,1,'HAAR-SLA-S',8,'["Slate", "S"]',248,8,'DENY','HAAR-SLA-S');
INSERT INTO shop_variant VALUES(10,1,'HAAR-SLA-M',9,'["Slate", "M"]',248,11,'DENY','HAAR-SLA-M');
INSERT INTO shop_variant VALUES(11,1,'HAAR-SLA-L',10,'["Slate", "L"]',248,6,'DENY','HAAR-SLA-L');
CREATE TABLE shop_import (
	id INTEGER NOT NULL, 
	file VARCHAR(255) NOT NULL, 
	imported_at DATETIME NOT NULL, 
	departments JSON NOT NULL, 
	CONSTRAINT pk_shop_import PRIMARY KEY (id)
);
CREATE TABLE dbos_migrations (version INTEGER NOT NULL PRIMARY KEY);
INSERT INTO dbos_migrations VALUES(125);
CREATE TABLE workflow_status (
    workflow_uuid TEXT PRIMARY KEY,
    status TEXT,
    name TEXT,
    authenticated_user TEXT,
    assumed_role TEXT,
    authenticated_roles TEXT,
    request TEXT,
    output TEXT,
    error TEXT,
    executor_id TEXT,
    created_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    updated_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    application_version TEXT,
    application_id TEXT,
    class_name TEXT DEFAULT NULL,
    config_name TEXT DEFAULT NULL,
    recovery_attempts INTEGER DEFAULT 0,
    queue_name TEXT,
    workflow_timeout_ms INTEGER,
    workflow_deadline_epoch_ms INTEGER,
    inputs TEXT,
    started_at_epoch_ms INTEGER,
    deduplication_id TEXT,
    priority INTEGER NOT NULL DEFAULT 0
, queue_partition_key TEXT, forked_from TEXT, "owner_xid" TEXT DEFAULT NULL, "parent_workflow_id" TEXT DEFAULT NULL, "serialization" TEXT DEFAULT NULL, "delay_until_epoch_ms" BIGINT DEFAULT NULL, "was_forked_from" BOOLEAN NOT NULL DEFAULT FALSE, "rate_limited" BOOLEAN NOT NULL DEFAULT FALSE, "completed_at" BIGINT, "attributes" TEXT, "schedule_name" TEXT, "debounce_deadline_epoch_ms" BIGINT DEFAULT NULL, "is_debounced" BOOLEAN NOT NULL DEFAULT FALSE, "application_name" TEXT DEFAULT NULL, "creator_xid" TEXT DEFAULT NULL);
INSERT INTO workflow_status VALUES('gXf9Vptx1caaSHLxXXl7LA-0-6','DELAYED','notify_me_deliver',NULL,NULL,NULL,NULL,NULL,NULL,NULL,1795984790000,1795984790000,'1',NULL,NULL,NULL,0,'create_back_in_stock_subscription',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,'portable_json',1,0,0,NULL,'null',NULL,NULL,0,'notify-me','82c26ff9-36c8-4efd-88a7-8bda680120c9');
CREATE TABLE notifications (
    message_uuid TEXT NOT NULL DEFAULT (hex(randomblob(16))) PRIMARY KEY,
    destination_uuid TEXT NOT NULL,
    topic TEXT,
    message TEXT NOT NULL,
    created_at_epoch_ms INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000), "serialization" TEXT DEFAULT NULL, "consumed" BOOLEAN NOT NULL DEFAULT FALSE, consumed_by_function_id INTEGER,
    FOREIGN KEY (destination_uuid) REFERENCES workflow_status(workflow_uuid) 
        ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE workflow_events (
    workflow_uuid TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL, "serialization" TEXT DEFAULT NULL,
    PRIMARY KEY (workflow_uuid, key),
    FOREIGN KEY (workflow_uuid) REFERENCES workflow_status(workflow_uuid) 
        ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE streams (
    workflow_uuid TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    "offset" INTEGER NOT NULL, function_id INTEGER NOT NULL DEFAULT 0, "serialization" TEXT DEFAULT NULL,
    PRIMARY KEY (workflow_uuid, key, "offset"),
    FOREIGN KEY (workflow_uuid) REFERENCES workflow_status(workflow_uuid) 
        ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE workflow_events_history (
    workflow_uuid TEXT NOT NULL,
    function_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL, "serialization" TEXT DEFAULT NULL,
    PRIMARY KEY (workflow_uuid, function_id, key),
    FOREIGN KEY (workflow_uuid) REFERENCES workflow_status(workflow_uuid)
        ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE workflow_schedules (
    schedule_id TEXT PRIMARY KEY,
    schedule_name TEXT NOT NULL UNIQUE,
    workflow_name TEXT NOT NULL,
    workflow_class_name TEXT,
    schedule TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'ACTIVE',
    context TEXT NOT NULL
, "last_fired_at" TEXT DEFAULT NULL, "automatic_backfill" BOOLEAN NOT NULL DEFAULT FALSE, "cron_timezone" TEXT DEFAULT NULL, "queue_name" TEXT DEFAULT NULL, "application_name" TEXT DEFAULT NULL);
CREATE TABLE application_versions (
    version_id TEXT NOT NULL PRIMARY KEY,
    version_name TEXT NOT NULL UNIQUE,
    version_timestamp INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    created_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000)
, "application_name" TEXT DEFAULT NULL);
INSERT INTO application_versions VALUES('92860be9-30f3-4477-bfad-1bf326830c8a','1',1795984733000,1795984733000,'notify-me');
CREATE TABLE queues (
    queue_id TEXT PRIMARY KEY DEFAULT (hex(randomblob(16))),
    name TEXT NOT NULL UNIQUE,
    concurrency INTEGER,
    worker_concurrency INTEGER,
    rate_limit_max INTEGER,
    rate_limit_period_sec REAL,
    priority_enabled BOOLEAN NOT NULL DEFAULT FALSE,
    partition_queue BOOLEAN NOT NULL DEFAULT FALSE,
    polling_interval_sec REAL NOT NULL DEFAULT 1.0,
    created_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    updated_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000)
, "application_name" TEXT DEFAULT NULL, "partition_concurrency" INTEGER DEFAULT NULL, "partition_worker_concurrency" INTEGER DEFAULT NULL, "partition_rate_limit_max" INTEGER DEFAULT NULL, "partition_rate_limit_period_sec" REAL DEFAULT NULL);
INSERT INTO queues VALUES('C5460E3E01329F0F0AF7622B8D51C455','create_back_in_stock_subscription',NULL,20,40,1.0,1,0,0.25,1795984735000,1795984733950,'notify-me',NULL,NULL,NULL,NULL);
INSERT INTO queues VALUES('09828C41100CA2F5740933865BE5C2C4','bulk_subscribe_profiles',NULL,20,10,1.0,1,0,0.25,1795984735000,1795984735271,'notify-me',NULL,NULL,NULL,NULL);
INSERT INTO queues VALUES('EF7670A336B88AF7C556685601DB9B07','update_catalog_variant',NULL,20,10,1.0,1,0,0.25,1795984735000,1795984735322,'notify-me',NULL,NULL,NULL,NULL);
CREATE TABLE workflow_input (
    workflow_uuid TEXT NOT NULL PRIMARY KEY,
    inputs TEXT,
    retention_timestamp INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000)
);
INSERT INTO workflow_input VALUES('gXf9Vptx1caaSHLxXXl7LA-0-6','{"namedArgs":{},"positionalArgs":["gXf9Vptx1caaSHLxXXl7LA",0,6,"create_back_in_stock_subscription",{"data":{"type":"back-in-stock-subscription","attributes":{"channels":["EMAIL"],"profile":{"data":{"type":"profile","attributes":{"email":"bob@lovelace.dev"}}}},"relationships":{"variant":{"data":{"type":"catalog-variant","id":"$custom:::$default:::HAAR-OIL-M"}}}}},6]}',1795984790000);
CREATE TABLE workflow_output (
    workflow_uuid TEXT NOT NULL PRIMARY KEY,
    output TEXT,
    error TEXT,
    retention_timestamp INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000)
);
CREATE TABLE IF NOT EXISTS "operation_outputs" (
    workflow_uuid TEXT NOT NULL,
    function_id INTEGER NOT NULL,
    function_name TEXT NOT NULL DEFAULT '',
    output TEXT,
    error TEXT,
    child_workflow_id TEXT,
    started_at_epoch_ms INTEGER,
    completed_at_epoch_ms INTEGER,
    serialization TEXT,
    application_name TEXT DEFAULT NULL,
    retention_timestamp INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    PRIMARY KEY (workflow_uuid, function_id)
);
CREATE INDEX ix_notify_me_sign_up_created_at ON notify_me_sign_up (created_at);
CREATE INDEX ix_notify_me_sign_up_email_hmac ON notify_me_sign_up (email_hmac);
CREATE INDEX ix_notify_me_sign_up_phone_hmac ON notify_me_sign_up (phone_hmac);
CREATE INDEX ix_notify_me_call_variant_state ON notify_me_call (variant, state);
CREATE INDEX ix_notify_me_consent_contact_hmac ON notify_me_consent (contact_hmac);
CREATE INDEX ix_notify_me_consent_sign_up_id ON notify_me_consent (sign_up_id);
CREATE INDEX ix_notify_me_call_state ON notify_me_call (state, settled_at);
CREATE INDEX ix_shop_product_position_id ON shop_product (position, id);
CREATE INDEX ix_shop_product_category_position_id ON shop_product (category, position, id);
CREATE INDEX ix_shop_product_title_id ON shop_product (title, id);
CREATE INDEX ix_shop_option_product_id ON shop_option (product_id);
CREATE INDEX ix_shop_order_placed_at ON shop_order (placed_at);
CREATE INDEX ix_shop_order_line_order_id ON shop_order_line (order_id);
CREATE INDEX ix_shop_look_created_at ON shop_look (created_at);
CREATE INDEX ix_shop_variant_product_id ON shop_variant (product_id);
CREATE INDEX workflow_status_created_at_index ON workflow_status (created_at);
CREATE INDEX idx_workflow_topic ON notifications (destination_uuid, topic);
CREATE INDEX "idx_workflow_status_delayed" ON "workflow_status" ("delay_until_epoch_ms") WHERE status = 'DELAYED';
CREATE INDEX "idx_workflow_status_forked_from" ON "workflow_status" ("forked_from") WHERE "forked_from" IS NOT NULL;
CREATE INDEX "idx_workflow_status_parent_workflow_id" ON "workflow_status" ("parent_workflow_id") WHERE "parent_workflow_id" IS NOT NULL;
CREATE UNIQUE INDEX "uq_workflow_status_dedup_id" ON "workflow_status" ("queue_name", "deduplication_id") WHERE "deduplication_id" IS NOT NULL;
CREATE INDEX "idx_workflow_status_pending" ON "workflow_status" ("created_at") WHERE "status" = 'PENDING';
CREATE INDEX "idx_workflow_status_failed" ON "workflow_status" ("status", "created_at") WHERE "status" IN ('ERROR', 'CANCELLED', 'MAX_RECOVERY_ATTEMPTS_EXCEEDED');
CREATE INDEX "idx_workflow_status_rate_limited" ON "workflow_status" ("queue_name", "started_at_epoch_ms") WHERE "rate_limited" = TRUE;
CREATE INDEX "idx_workflow_status_completed_at" ON "workflow_status" ("completed_at") WHERE "completed_at" IS NOT NULL;
CREATE INDEX "idx_workflow_status_started_at" ON "workflow_status" ("started_at_epoch_ms") WHERE "started_at_epoch_ms" IS NOT NULL;
CREATE INDEX "idx_workflow_status_schedule_name" ON "workflow_status" ("schedule_name") WHERE "schedule_name" IS NOT NULL;
CREATE UNIQUE INDEX "uq_application_versions_owner_version"
    ON application_versions ("application_name", "version_name")
    WHERE "application_name" IS NOT NULL;
CREATE UNIQUE INDEX "uq_application_versions_unclaimed_version"
    ON application_versions ("version_name")
    WHERE "application_name" IS NULL;
CREATE INDEX idx_workflow_input_retention
    ON workflow_input (retention_timestamp);
CREATE INDEX idx_workflow_output_retention
    ON workflow_output (retention_timestamp);
CREATE INDEX idx_operation_outputs_retention
    ON operation_outputs (retention_timestamp);
CREATE INDEX "idx_workflow_status_in_flight_v2" ON "workflow_status" ("queue_name", "status", "priority", "created_at", "application_name") WHERE "status" IN ('ENQUEUED', 'PENDING');
CREATE INDEX "idx_workflow_status_partition_dequeue_v3" ON "workflow_status" ("queue_name", "status", "queue_partition_key", "priority", "created_at", "workflow_uuid", "application_name") WHERE "status" IN ('ENQUEUED', 'PENDING') AND "queue_partition_key" IS NOT NULL;
CREATE INDEX "idx_operation_outputs_completed_at_function_name_v2" ON "operation_outputs" ("completed_at_epoch_ms", "function_name", "application_name");
CREATE INDEX "idx_workflow_status_deadline" ON "workflow_status" ("workflow_deadline_epoch_ms") WHERE "status" IN ('ENQUEUED', 'PENDING', 'DELAYED') AND "workflow_deadline_epoch_ms" IS NOT NULL;
CREATE INDEX "idx_application_versions_timestamp" ON "application_versions" ("version_timestamp" DESC);
CREATE INDEX "idx_application_versions_owner_timestamp" ON "application_versions" ("application_name", "version_timestamp" DESC);
COMMIT;
