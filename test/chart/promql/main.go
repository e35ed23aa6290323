// Command promql reads, with Prometheus' own parser, what Prometheus is given, and prints what is wrong, a problem a line:
// `promql rules` the groups of a rule file on stdin, as `promtool check rules` does, with the templates of annotations;
// `promql queries` a JSON array of queries on stdin.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func run(kind string) error {
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	promql := parser.NewParser(parser.Options{})
	switch kind {
	case "rules":
		_, problems := rulefmt.Parse(input, false, model.UTF8Validation, promql, slog.New(slog.DiscardHandler))
		for _, problem := range problems {
			fmt.Println(problem)
		}
	case "queries":
		var queries []string
		if err := json.Unmarshal(input, &queries); err != nil {
			return err
		}
		for _, query := range queries {
			if _, err := promql.ParseExpr(query); err != nil {
				fmt.Printf("%s: %s\n", query, err)
			}
		}
	default:
		return fmt.Errorf("%q is neither rules nor queries", kind)
	}
	return nil
}
