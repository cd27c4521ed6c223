//! What several kinds share: reading JSON answers without ever panicking, and words for people.
