<?php

declare(strict_types=1);

namespace Shop\Media;

use Psr\Http\Message\ResponseInterface as Response;
use Psr\Http\Message\ServerRequestInterface as Request;
use Symfony\Component\Process\Process;

final class Converter
{
    private const SIZES = ['small' => '320x240', 'large' => '1280x960'];

    public function __construct(private string $folder = '/srv/media')
    {
    }

    private function run(string $command): string
    {
        $output = [];
        exec($command . ' 2>&1', $output, $status);
        if ($status !== 0) {
            throw new \RuntimeException('conversion failed');
        }
        return implode("\n", $output);
    }

    public function resize(Request $request, Response $response): Response
    {
        $params = $request->getParsedBody();
        $log = $this->run('convert in.png -resize ' . $params['size'] . ' out.png');
        $response->getBody()->write(json_encode(['log' => $log]));
        return $response->withHeader('Content-Type', 'application/json');
    }

    public function resizeTo(Request $request, Response $response): Response
    {
        $params = $request->getParsedBody();
        $size = self::SIZES[$params['size']] ?? self::SIZES['small'];
        $log = $this->run('convert in.png -resize ' . $size . ' out.png');
        $response->getBody()->write(json_encode(['log' => $log]));
        return $response->withHeader('Content-Type', 'application/json');
    }

    public function annotate(Request $request, Response $response): Response
    {
        $text = $request->getHeaderLine('X-Caption');
        $this->run('convert in.png -annotate 0 ' . escapeshellarg('caption ' . $text) . ' out.png');
        return $response->withStatus(204);
    }

    public function probe(Request $request, Response $response): Response
    {
        $file = $request->getQueryParams()['file'] ?? '';
        $response->getBody()->write((string) shell_exec("ffprobe -v quiet $this->folder/$file"));
        return $response->withHeader('Content-Type', 'text/plain');
    }

    public function identify(Request $request, Response $response): Response
    {
        $comment = $request->getQueryParams()['comment'] ?? '';
        $process = new Process(['exiftool', '-Comment=' . $comment, $this->folder . '/current.png']);
        $process->mustRun();
        $response->getBody()->write($process->getOutput());
        return $response->withHeader('Content-Type', 'text/plain');
    }

    public function transcode(Request $request, Response $response): Response
    {
        $options = $request->getQueryParams();
        $arguments = [];
        foreach ($options as $name => $value) {
            $arguments[] = '-' . $name . ' ' . $value;
        }
        $process = Process::fromShellCommandline('ffmpeg -i in.mp4 ' . implode(' ', $arguments) . ' out.mp4');
        $process->run();
        return $response->withStatus(204);
    }
}
