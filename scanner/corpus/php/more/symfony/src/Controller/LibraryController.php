<?php

namespace App\Controller;

use App\Entity\Book;
use Doctrine\DBAL\Connection;
use Doctrine\ORM\EntityManagerInterface;
use Symfony\Bundle\FrameworkBundle\Controller\AbstractController;
use Symfony\Component\ExpressionLanguage\ExpressionLanguage;
use Symfony\Component\HttpFoundation\BinaryFileResponse;
use Symfony\Component\HttpFoundation\Cookie;
use Symfony\Component\HttpFoundation\JsonResponse;
use Symfony\Component\HttpFoundation\RedirectResponse;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpFoundation\Response;
use Symfony\Component\Process\Process;
use Symfony\Component\Routing\Annotation\Route;
use Symfony\Contracts\HttpClient\HttpClientInterface;
use Twig\Environment;

class LibraryController extends AbstractController
{
    public function __construct(
        private EntityManagerInterface $em,
        private Connection $connection,
        private Environment $twig,
        private HttpClientInterface $http,
    ) {
    }

    #[Route('/books', methods: ['GET'])]
    public function books(Request $request): Response
    {
        $author = $request->query->get('author', '');
        $books = $this->em->createQuery("SELECT b FROM App\Entity\Book b WHERE b.author = '$author'")->getResult();
        return $this->render('books.html.twig', ['books' => $books]);
    }

    #[Route('/shelf', methods: ['GET'])]
    public function shelf(Request $request): Response
    {
        $author = $request->query->get('author', '');
        $books = $this->em->createQueryBuilder()->select('b')->from(Book::class, 'b')
            ->where('b.author = :author')->setParameter('author', $author)->getQuery()->getResult();
        return $this->render('books.html.twig', ['books' => $books]);
    }

    #[Route('/loans', methods: ['GET'])]
    public function loans(Request $request): Response
    {
        $qb = $this->connection->createQueryBuilder()->select('*')->from('loan');
        $qb->where('reader = ' . $request->query->get('reader'));
        return new JsonResponse($qb->executeQuery()->fetchAllAssociative());
    }

    #[Route('/returns', methods: ['GET'])]
    public function returns(Request $request): Response
    {
        $qb = $this->connection->createQueryBuilder()->select('*')->from('loan');
        $qb->where('reader = ' . $request->query->getInt('reader'));
        return new JsonResponse($qb->executeQuery()->fetchAllAssociative());
    }

    #[Route('/fines', methods: ['GET'])]
    public function fines(Request $request): Response
    {
        $reader = $this->connection->quote((string) $request->query->get('reader'));
        return new JsonResponse($this->connection->fetchAllAssociative("SELECT * FROM fine WHERE reader = $reader"));
    }

    #[Route('/letter', methods: ['POST'])]
    public function letter(Request $request): Response
    {
        $template = $this->twig->createTemplate('<p>' . $request->request->get('text') . '</p>');
        return new Response($template->render(['library' => 'Central']));
    }

    #[Route('/card', methods: ['POST'])]
    public function card(Request $request): Response
    {
        $template = $this->twig->createTemplate('<p>{{ text }}</p>');
        return new Response($template->render(['text' => $request->request->get('text')]));
    }

    #[Route('/missing', methods: ['GET'])]
    public function missing(Request $request): Response
    {
        return new Response('<p>No such book: ' . $request->query->get('title') . '</p>', 404);
    }

    #[Route('/absent', methods: ['GET'])]
    public function absent(Request $request): Response
    {
        return new Response('No such book: ' . $request->query->get('title'), 404, ['Content-Type' => 'text/plain', 'X-Content-Type-Options' => 'nosniff']);
    }

    #[Route('/print/{shelf}', methods: ['POST'])]
    public function printShelf(string $shelf): Response
    {
        $process = Process::fromShellCommandline('lp -d library /srv/shelves/' . $shelf);
        $process->run();
        return new Response('', $process->isSuccessful() ? 204 : 500);
    }

    #[Route('/plot/{shelf}', methods: ['POST'])]
    public function plotShelf(string $shelf): Response
    {
        $process = Process::fromShellCommandline('lp -d library -t "${:SHELF}"');
        $process->run(null, ['SHELF' => $shelf]);
        return new Response('', $process->isSuccessful() ? 204 : 500);
    }

    #[Route('/cover', methods: ['GET'])]
    public function cover(Request $request): Response
    {
        $url = filter_var($request->query->get('url'), FILTER_VALIDATE_URL);
        if ($url === false) {
            return new Response('', 400);
        }
        return new Response($this->http->request('GET', $url)->getContent(), 200, ['Content-Type' => 'image/jpeg']);
    }

    #[Route('/isbn/{isbn}', requirements: ['isbn' => '\d{10,13}'], methods: ['GET'])]
    public function isbn(string $isbn): Response
    {
        $url = "https://covers.example.com/isbn/$isbn.jpg";
        return new Response($this->http->request('GET', $url)->getContent(), 200, ['Content-Type' => 'image/jpeg']);
    }

    #[Route('/again', methods: ['GET'])]
    public function again(Request $request): Response
    {
        return new RedirectResponse($request->headers->get('X-Return-To') ?? $request->query->get('to', '/'));
    }

    #[Route('/once', methods: ['GET'])]
    public function once(Request $request): Response
    {
        return $this->redirectToRoute('shelf', ['author' => $request->query->get('to', '')]);
    }

    #[Route('/rank', methods: ['GET'])]
    public function rank(Request $request): Response
    {
        $value = (new ExpressionLanguage())->evaluate($request->query->get('by', 'n'), ['n' => 1, 'em' => $this->em]);
        return new JsonResponse(['rank' => $value]);
    }

    #[Route('/grade', methods: ['GET'])]
    public function grade(Request $request): Response
    {
        $value = (new ExpressionLanguage())->evaluate('n * 2', ['n' => (int) $request->query->get('by', '1')]);
        return new JsonResponse(['rank' => $value]);
    }

    #[Route('/api/loans', methods: ['GET'])]
    public function apiLoans(Request $request): Response
    {
        $response = new JsonResponse(['open' => 3]);
        $response->headers->set('Access-Control-Allow-Origin', $request->headers->get('Origin', '*'));
        $response->headers->set('Access-Control-Allow-Credentials', 'true');
        return $response;
    }

    #[Route('/api/books', methods: ['GET'])]
    public function apiBooks(Request $request): Response
    {
        $response = new JsonResponse(['open' => 3]);
        $response->headers->set('Access-Control-Allow-Origin', 'https://library.example.com');
        $response->headers->set('Access-Control-Allow-Credentials', 'true');
        return $response;
    }
}
