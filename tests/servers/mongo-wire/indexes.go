// FerretDB indexes the ids of a collection by one expression of SQL and looks them up by another, so that SQLite reads the
// whole collection for every document asked for. Here each collection gets the index that its lookups can use.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite"
)

// How often new collections are looked for: a few documents may be read without an index meanwhile.
const lookEvery = 200 * time.Millisecond

// indexIDs looks after the databases in a folder until the context is done.
func indexIDs(ctx context.Context, folder string) {
	open := map[string]*database{}
	for ; ctx.Err() == nil; time.Sleep(lookEvery) {
		files, _ := filepath.Glob(filepath.Join(folder, "*.sqlite"))
		for _, file := range files {
			if open[file] == nil {
				open[file] = &database{indexed: map[string]bool{}}
			}
			if err := open[file].indexNew(ctx, file); err != nil && !errors.Is(err, context.Canceled) {
				log.Printf("%s: %v", file, err)
			}
		}
	}
}

type database struct {
	pool    *sql.DB
	indexed map[string]bool
}

func (d *database) indexNew(ctx context.Context, file string) error {
	if d.pool == nil {
		pool, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(10000)")
		if err != nil {
			return err
		}
		d.pool = pool
	}
	tables, err := d.tables(ctx)
	for _, table := range tables {
		if d.indexed[table] {
			continue
		}
		create := fmt.Sprintf(`CREATE INDEX IF NOT EXISTS %q ON %q (_ferretdb_sjson->'$._id')`, table+"__lookup", table)
		if _, err := d.pool.ExecContext(ctx, create); err != nil {
			return err
		}
		d.indexed[table] = true
	}
	return err
}

func (d *database) tables(ctx context.Context) ([]string, error) {
	rows, err := d.pool.QueryContext(ctx, `SELECT table_name FROM _ferretdb_collections`)
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
