package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"

	"github.com/dlclark/regexp2"
	"github.com/segmentio/kafka-go"
)

type job struct {
	Kind   string            `json:"kind"`
	Labels map[string]string `json:"labels"`
	Text   string            `json:"text"`
}

// Worker reads jobs from the queue.
type Worker struct {
	reader *kafka.Reader
	spool  string
}

func (w *Worker) next(ctx context.Context) (job, error) {
	var j job
	m, err := w.reader.ReadMessage(ctx)
	if err != nil {
		return j, err
	}
	return j, json.Unmarshal(m.Value, &j)
}

// Run handles jobs until the context ends.
func (w *Worker) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := w.Compress(ctx); err != nil {
			log.Print("job failed")
			time.Sleep(time.Second)
		}
	}
}

// Compress packs the folder of the next job.
func (w *Worker) Compress(ctx context.Context) error {
	j, err := w.next(ctx)
	if err != nil {
		return err
	}
	dir := j.Labels["dir"]
	line := fmt.Sprintf("cd %s && tar czf /srv/packed/%d.tgz .", dir, time.Now().Unix())
	return exec.CommandContext(ctx, "/bin/sh", "-c", line).Run()
}

// Spool keeps the text of the next job.
func (w *Worker) Spool(ctx context.Context) (string, error) {
	j, err := w.next(ctx)
	if err != nil {
		return "", err
	}
	name := fmt.Sprintf("/tmp/job-%d.txt", os.Getpid())
	return name, os.WriteFile(name, []byte(j.Text), 0o600)
}

// Stage keeps the text of the next job for the printer.
func (w *Worker) Stage(ctx context.Context) (string, error) {
	j, err := w.next(ctx)
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp("", "job-*.txt")
	if err != nil {
		return "", err
	}
	defer f.Close()
	_, err = f.WriteString(j.Text)
	return f.Name(), err
}

// Publish makes the private key of the worker.
func (w *Worker) Publish(key []byte) error {
	dir := filepath.Join(w.spool, "keys")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	path := filepath.Join(dir, "worker.key")
	if err := os.WriteFile(path, key, 0o666); err != nil {
		return err
	}
	return os.Chmod(path, 0o666)
}

// Install keeps the certificate's private key.
func (w *Worker) Install(key []byte) error {
	dir := filepath.Join(w.spool, "private")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(dir, "worker.key")
	if err := os.WriteFile(path, key, 0o600); err != nil {
		return err
	}
	return os.Chmod(path, 0o600)
}

// Accept tells whether the text of a job is a list of words.
func (w *Worker) Accept(ctx context.Context) (bool, error) {
	j, err := w.next(ctx)
	if err != nil {
		return false, err
	}
	words := regexp2.MustCompile(`^(\w+\s?)+$`, 0)
	return words.MatchString(j.Text)
}

// Admit tells whether the text of a job is a list of words.
func (w *Worker) Admit(ctx context.Context) (bool, error) {
	j, err := w.next(ctx)
	if err != nil {
		return false, err
	}
	words := regexp.MustCompile(`^(\w+\s?)+$`)
	return words.MatchString(j.Text), nil
}
