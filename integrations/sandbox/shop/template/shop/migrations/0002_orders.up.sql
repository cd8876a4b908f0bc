CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    placed_at TEXT NOT NULL,
    email TEXT NOT NULL,
    content TEXT NOT NULL,
    total INTEGER NOT NULL
);
