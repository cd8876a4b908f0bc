CREATE TABLE products (
    id TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    price INTEGER NOT NULL
);
INSERT INTO products (id, position, name, price) VALUES
    ('teapot', 1, 'Teapot, blue', 2490),
    ('cups', 2, 'Six cups', 1890),
    ('sencha', 3, 'Green tea Sencha', 990),
    ('assam', 4, 'Black tea Assam', 850),
    ('biscuits', 5, 'Butter biscuits', 420),
    ('kettle', 6, 'Kettle with a whistle', 3990);
