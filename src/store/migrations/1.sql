CREATE TABLE store (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL, commits INTEGER NOT NULL, sum INTEGER NOT NULL) STRICT;

CREATE TABLE rules (
    rule TEXT NOT NULL, cluster TEXT NOT NULL,
    card TEXT NOT NULL, watermark INTEGER, owed TEXT NOT NULL, blind TEXT NOT NULL, memory TEXT NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (rule, cluster)
) STRICT, WITHOUT ROWID;

CREATE TABLE alerts (
    rule TEXT NOT NULL, cluster TEXT NOT NULL, entity TEXT NOT NULL,
    alert TEXT NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (rule, cluster, entity)
) STRICT, WITHOUT ROWID;

CREATE TABLE told (
    rule TEXT NOT NULL, cluster TEXT NOT NULL, entity TEXT NOT NULL, sink TEXT NOT NULL,
    told TEXT NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (rule, cluster, entity, sink)
) STRICT, WITHOUT ROWID;

CREATE TABLE handles (
    sink TEXT NOT NULL, episode TEXT NOT NULL,
    handle TEXT NOT NULL, written INTEGER NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (sink, episode)
) STRICT, WITHOUT ROWID;

CREATE TABLE deliveries (
    seq INTEGER PRIMARY KEY,
    sink TEXT NOT NULL, id TEXT NOT NULL, rule TEXT NOT NULL, cluster TEXT NOT NULL, lane TEXT NOT NULL,
    delivery TEXT NOT NULL, message TEXT,
    sort TEXT NOT NULL CHECK (sort IN ('news', 'reminder', 'update', 'readings', 'event')), bytes INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'held', 'dead')),
    attempts INTEGER NOT NULL, steps INTEGER NOT NULL, under_way INTEGER NOT NULL CHECK (under_way IN (0, 1)),
    created INTEGER NOT NULL, since INTEGER NOT NULL, due INTEGER NOT NULL, answer TEXT,
    sum INTEGER NOT NULL,
    UNIQUE (sink, id)
) STRICT;
CREATE INDEX lanes ON deliveries (sink, lane, seq, due, sort, bytes) WHERE state <> 'dead';
CREATE INDEX dead ON deliveries (sink, due, seq) WHERE state = 'dead';
CREATE INDEX events ON deliveries (rule, cluster, sink, bytes) WHERE sort = 'event' AND state <> 'dead';

CREATE TABLE sinks (
    sink TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('working', 'failing', 'misconfigured')),
    answer TEXT, answered INTEGER NOT NULL, taken INTEGER,
    sum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE paces (
    sink TEXT NOT NULL, minute INTEGER NOT NULL,
    taken INTEGER NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (sink, minute)
) STRICT, WITHOUT ROWID;

CREATE TABLE deeds (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL, who TEXT NOT NULL, deed TEXT NOT NULL CHECK (deed IN ('retried', 'dropped')),
    sink TEXT NOT NULL, id TEXT NOT NULL, rule TEXT NOT NULL, cluster TEXT NOT NULL, what TEXT NOT NULL,
    answer TEXT, reason TEXT NOT NULL,
    sum INTEGER NOT NULL
) STRICT;

CREATE TABLE runs (
    seq INTEGER PRIMARY KEY,
    rule TEXT NOT NULL, cluster TEXT NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL, n INTEGER NOT NULL,
    outcome TEXT NOT NULL, reason TEXT,
    sum INTEGER NOT NULL
) STRICT;
CREATE INDEX runs_by_rule ON runs (rule, cluster, seq);

CREATE TABLE history (
    seq INTEGER PRIMARY KEY,
    rule TEXT NOT NULL, cluster TEXT NOT NULL,
    at INTEGER NOT NULL, transition TEXT NOT NULL, untold TEXT,
    sum INTEGER NOT NULL
) STRICT;
CREATE INDEX history_by_time ON history (at);

CREATE TABLE silences (
    id TEXT NOT NULL PRIMARY KEY, matchers TEXT NOT NULL,
    until INTEGER NOT NULL, reason TEXT NOT NULL, who TEXT NOT NULL, created INTEGER NOT NULL,
    sum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE heartbeats (
    name TEXT NOT NULL PRIMARY KEY,
    alive INTEGER, started INTEGER, failed INTEGER, took INTEGER,
    sum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
