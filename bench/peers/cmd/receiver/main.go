// The receiver as a small Go program: verify the signature, read the event, record it in Temporal, answer.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"io"
	"log"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"go.temporal.io/sdk/client"
)

type event struct {
	Account      string `json:"account"`
	State        string `json:"state"`
	StateVersion int    `json:"stateVersion"`
	Timestamp    int64  `json:"timestamp"`
	Run          struct {
		ID          string `json:"id"`
		Branch      string `json:"branch"`
		Type        string `json:"type"`
		TriggeredBy string `json:"triggeredBy"`
		Commit      struct {
			Hash string `json:"hash"`
		} `json:"commit"`
	} `json:"run"`
	Stack struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"stack"`
}

const maxBody = 1 << 20

func main() {
	listen := flag.String("listen", "127.0.0.1:18001", "where to listen")
	flag.Parse()
	secret := []byte(os.Getenv("WEBHOOK_SECRET"))
	logger := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	temporal, err := client.Dial(client.Options{HostPort: os.Getenv("TEMPORAL_ADDRESS"), Logger: logger})
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("POST /webhook", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		given, found := strings.CutPrefix(r.Header.Get("X-Signature-256"), "sha256=")
		signature, err := hex.DecodeString(given)
		mac := hmac.New(sha256.New, secret)
		mac.Write(body)
		if !found || err != nil || !hmac.Equal(signature, mac.Sum(nil)) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var received event
		if err := json.Unmarshal(body, &received); err != nil {
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
		id := "run:" + received.Account + ":" + received.Run.ID
		options := client.StartWorkflowOptions{ID: id, TaskQueue: "spacelift-task-queue"}
		run, err := temporal.SignalWithStartWorkflow(r.Context(), id, "record_event", received, options, "SpaceliftWebhookWorkflow", received)
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		logger.Info("accepted", "workflow_id", id, "run", received.Run.ID, "state", received.State)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusAccepted)
		_ = json.NewEncoder(w).Encode(map[string]string{"result": "accepted", "workflow_id": id, "workflow_run_id": run.GetRunID()})
	})
	log.Fatal(http.ListenAndServe(*listen, nil))
}
