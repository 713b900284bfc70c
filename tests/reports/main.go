// Reads a report from standard input with the types of OpenReports, which Policy Reporter uses, and writes what they hold. A field that
// the types do not have is an error.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	reports "github.com/openreports/reports-api/apis/openreports.io/v1alpha1"
)

func main() {
	decoder := json.NewDecoder(os.Stdin)
	decoder.DisallowUnknownFields()
	var report reports.Report
	if err := decoder.Decode(&report); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, result := range report.Results {
		for _, subject := range result.Subjects {
			fmt.Printf("%s %s %s %s %s %d %s/%s/%s\n", report.Source, result.Policy, result.Rule, result.Result, result.Severity,
				result.Timestamp.Seconds, subject.Kind, subject.Namespace, subject.Name)
		}
	}
	fmt.Printf("%+v\n", report.Summary)
}
