// Argo CD's application controller and repository server, from its own module, as one program that is what it is called: those two, and
// what git asks for a password. Its user interface and API are left out: they would double the time to build it, and need what npm makes.
// Built by ../binaries.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	controller "github.com/argoproj/argo-cd/v3/cmd/argocd-application-controller/commands"
	password "github.com/argoproj/argo-cd/v3/cmd/argocd-git-ask-pass/commands"
	repositories "github.com/argoproj/argo-cd/v3/cmd/argocd-repo-server/commands"
	"github.com/spf13/cobra"
)

var programs = map[string]func() *cobra.Command{
	"argocd-application-controller": controller.NewCommand,
	"argocd-repo-server":            repositories.NewCommand,
	"argocd-git-ask-pass":           password.NewCommand,
}

func main() {
	name := filepath.Base(os.Args[0])
	if asked := os.Getenv("ARGOCD_BINARY_NAME"); asked != "" { // so it calls itself
		name = asked
	}
	program, known := programs[name]
	if !known {
		fmt.Fprintf(os.Stderr, "argocd: no program %q in this build\n", name)
		os.Exit(1)
	}
	if program().Execute() != nil {
		os.Exit(1)
	}
}
