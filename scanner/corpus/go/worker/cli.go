package worker

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

func sudo(parts ...string) *exec.Cmd {
	cmd := exec.Command("sudo", "sh", "-c", strings.Join(parts, " "))
	cmd.Stdout = os.Stdout
	cmd.Stderr = os.Stderr
	return cmd
}

// RestartCGI answers the admin page's restart form as a CGI program.
func RestartCGI() int {
	fmt.Print("Content-Type: text/plain\r\n\r\n")
	unit, err := url.QueryUnescape(os.Getenv("QUERY_STRING"))
	if err != nil {
		return 2
	}
	if err := sudo("systemctl", "restart", unit).Run(); err != nil {
		fmt.Fprintln(os.Stderr, "restart failed")
		return 1
	}
	return 0
}

// Renice changes the priority of a process.
func Renice(args []string) int {
	fs := flag.NewFlagSet("renice", flag.ContinueOnError)
	pid := fs.String("pid", "", "process id")
	level := fs.String("level", "10", "nice level")
	if err := fs.Parse(args); err != nil {
		return 2
	}
	p, errP := strconv.Atoi(*pid)
	n, errN := strconv.Atoi(*level)
	if errP != nil || errN != nil {
		return 2
	}
	if err := sudo("renice", "-n", strconv.Itoa(n), "-p", strconv.Itoa(p)).Run(); err != nil {
		return 1
	}
	return 0
}

// Version prints the version.
func Version() {
	fmt.Println("worker 2.4.1")
}
