// A stub of Temporal's frontend: it accepts every workflow at once, so that a benchmark measures the receivers alone.
package main

import (
	"context"
	"flag"
	"log"
	"net"

	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
)

type frontend struct {
	workflowservice.UnimplementedWorkflowServiceServer
}

const runID = "0190a1b2-0000-7000-8000-000000000000"

func (frontend) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{
		ServerVersion: "1.29.1",
		Capabilities:  &workflowservice.GetSystemInfoResponse_Capabilities{SignalAndQueryHeader: true},
	}, nil
}

func (frontend) SignalWithStartWorkflowExecution(context.Context, *workflowservice.SignalWithStartWorkflowExecutionRequest) (*workflowservice.SignalWithStartWorkflowExecutionResponse, error) {
	return &workflowservice.SignalWithStartWorkflowExecutionResponse{RunId: runID, Started: true}, nil
}

func main() {
	address := flag.String("listen", "127.0.0.1:17233", "where to listen")
	flag.Parse()
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer()
	workflowservice.RegisterWorkflowServiceServer(server, frontend{})
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	log.Fatal(server.Serve(listener))
}
