package main

// FerretDB indexes the ids of a collection by one expression of SQL and looks them up by another, so that SQLite reads the
// whole collection for every document asked for. Here each collection gets the index that its lookups can use.

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite"
)

// How often new collections are looked for: a few documents may be read without an index meanwhile.
const lookEvery = 200 * time.Millisecond

const withoutIndex = `
	SELECT table_name FROM _ferretdb_collections
	WHERE table_name || '__lookup' NOT IN (SELECT name FROM sqlite_master WHERE type = 'index')`

// indexIDs looks after the databases in a folder until the context is done.
func indexIDs(ctx context.Context, folder string) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		files, _ := filepath.Glob(filepath.Join(folder, "*.sqlite"))
		for _, file := range files {
			// A database that FerretDB is just making has no list of its collections yet.
			if err := indexNew(ctx, file); err != nil && ctx.Err() == nil && err.Error() != said {
				said = err.Error()
				log.Printf("%s: %s", file, said)
			}
		}
	}
}

// indexNew opens the file anew each time: who held it open would keep one alive that was dropped, and made again.
func indexNew(ctx context.Context, file string) error {
	db, err := sql.Open("sqlite", "file:"+file+"?mode=rw&_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	defer db.Close()
	tables, err := tablesWithoutIndex(ctx, db)
	if err != nil {
		return err
	}
	for _, table := range tables {
		create := fmt.Sprintf(`CREATE INDEX IF NOT EXISTS %q ON %q (_ferretdb_sjson->'$._id')`, table+"__lookup", table)
		if _, err := db.ExecContext(ctx, create); err != nil {
			return err
		}
	}
	return nil
}

func tablesWithoutIndex(ctx context.Context, db *sql.DB) ([]string, error) {
	rows, err := db.QueryContext(ctx, withoutIndex)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var tables []string
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			return nil, err
		}
		tables = append(tables, table)
	}
	return tables, rows.Err()
}
