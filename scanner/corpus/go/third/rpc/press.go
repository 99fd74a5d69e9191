// Package rpc is the press's service.
package rpc

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"example.org/press/pb"
)

const maxSheets = 500

// Server prints.
type Server struct {
	pb.UnimplementedPressServer
	Root string
}

// Render makes a page of a source.
func (s *Server) Render(ctx context.Context, req *pb.RenderRequest) (*pb.RenderReply, error) {
	line := "typeset --title '" + req.GetTitle() + "' /srv/press/current"
	out, err := exec.CommandContext(ctx, "sh", "-c", line).Output()
	if err != nil {
		return nil, status.Error(codes.Internal, "render")
	}
	return &pb.RenderReply{Page: out}, nil
}

// Convert makes another format of the current page.
func (s *Server) Convert(ctx context.Context, req *pb.ConvertRequest) (*pb.RenderReply, error) {
	var format string
	switch req.GetFormat() {
	case "pdf", "PDF":
		format = "pdf"
	case "png", "PNG":
		format = "png"
	default:
		return nil, status.Error(codes.InvalidArgument, "format")
	}
	out, err := exec.CommandContext(ctx, "sh", "-c", "typeset --to "+format+" /srv/press/current").Output()
	if err != nil {
		return nil, status.Error(codes.Internal, "convert")
	}
	return &pb.RenderReply{Page: out}, nil
}

// Read hands out a page.
func (s *Server) Read(_ context.Context, req *pb.ReadRequest) (*pb.RenderReply, error) {
	page, err := os.ReadFile(filepath.Join(s.Root, req.GetPath()))
	if err != nil {
		return nil, status.Error(codes.NotFound, "page")
	}
	return &pb.RenderReply{Page: page}, nil
}

// Proof hands out a proof.
func (s *Server) Proof(_ context.Context, req *pb.ReadRequest) (*pb.RenderReply, error) {
	path := filepath.Join(s.Root, req.GetPath())
	rel, err := filepath.Rel(s.Root, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return nil, status.Error(codes.InvalidArgument, "path")
	}
	page, err := os.ReadFile(path)
	if err != nil {
		return nil, status.Error(codes.NotFound, "proof")
	}
	return &pb.RenderReply{Page: page}, nil
}

// Blank makes empty sheets.
func (s *Server) Blank(_ context.Context, req *pb.BlankRequest) (*pb.SheetsReply, error) {
	sheets := make([]*pb.Sheet, req.GetCount())
	for i := range sheets {
		sheets[i] = &pb.Sheet{Number: int64(i)}
	}
	return &pb.SheetsReply{Sheets: sheets}, nil
}

// Ruled makes sheets with lines.
func (s *Server) Ruled(_ context.Context, req *pb.BlankRequest) (*pb.SheetsReply, error) {
	count := int64(req.GetCount())
	if count < 0 || count > maxSheets {
		return nil, status.Error(codes.InvalidArgument, "count")
	}
	sheets := make([]*pb.Sheet, count)
	for i := range sheets {
		sheets[i] = &pb.Sheet{Number: int64(i), Ruled: true}
	}
	return &pb.SheetsReply{Sheets: sheets}, nil
}

// Credit books money on an account.
func (s *Server) Credit(_ context.Context, req *pb.AmountRequest) (*pb.AmountReply, error) {
	cents, err := strconv.Atoi(req.GetCents())
	if err != nil || cents < 0 {
		return nil, status.Error(codes.InvalidArgument, "cents")
	}
	return &pb.AmountReply{Cents: int32(cents)}, nil
}

// Debit books money from an account.
func (s *Server) Debit(_ context.Context, req *pb.AmountRequest) (*pb.AmountReply, error) {
	cents, err := strconv.ParseInt(req.GetCents(), 10, 32)
	if err != nil || cents < 0 {
		return nil, status.Error(codes.InvalidArgument, "cents")
	}
	return &pb.AmountReply{Cents: int32(cents)}, nil
}
