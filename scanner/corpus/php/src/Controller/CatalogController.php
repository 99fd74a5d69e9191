<?php

declare(strict_types=1);

namespace App\Controller;

use App\Entity\Product;
use Doctrine\DBAL\Connection;
use Doctrine\ORM\EntityManagerInterface;
use Symfony\Bundle\FrameworkBundle\Controller\AbstractController;
use Symfony\Component\HttpFoundation\BinaryFileResponse;
use Symfony\Component\HttpFoundation\JsonResponse;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpFoundation\Response;
use Symfony\Component\Routing\Attribute\Route;

class CatalogController extends AbstractController
{
    public function __construct(private EntityManagerInterface $entities, private Connection $connection)
    {
    }

    private function select(string $condition): array
    {
        return $this->connection->fetchAllAssociative("SELECT id, title FROM product WHERE $condition");
    }

    #[Route('/catalog/dql', methods: ['GET'])]
    public function byTitle(Request $request): JsonResponse
    {
        $title = $request->query->get('title');
        $query = $this->entities->createQuery("SELECT p FROM App\\Entity\\Product p WHERE p.title = '" . $title . "'");
        return $this->json($query->getResult());
    }

    #[Route('/catalog/repository', methods: ['GET'])]
    public function byExactTitle(Request $request): JsonResponse
    {
        $title = $request->query->get('title');
        return $this->json($this->entities->getRepository(Product::class)->findBy(['title' => $title]));
    }

    #[Route('/catalog/maker/{maker}', methods: ['GET'])]
    public function byMaker(string $maker): JsonResponse
    {
        return $this->json($this->select("maker = '$maker'"));
    }

    #[Route('/catalog/year/{year}', methods: ['GET'])]
    public function byYear(int $year): JsonResponse
    {
        return $this->json($this->select("year = $year"));
    }

    #[Route('/catalog/tags', methods: ['POST'])]
    public function byTags(Request $request): JsonResponse
    {
        $conditions = ['1 = 0'];
        foreach ($request->toArray()['tags'] as $tag) {
            $conditions[] = "tags LIKE '%" . $tag . "%'";
        }
        return $this->json($this->connection->fetchAllAssociative('SELECT id FROM product WHERE ' . implode(' OR ', $conditions)));
    }

    #[Route('/catalog/sheet', methods: ['GET'])]
    public function sheet(Request $request): Response
    {
        $file = $this->getParameter('kernel.project_dir') . '/sheets/' . $request->query->get('name');
        return new BinaryFileResponse($file);
    }

    #[Route('/catalog/sheet/{id}', methods: ['GET'])]
    public function sheetOf(Product $product): Response
    {
        $file = $this->getParameter('kernel.project_dir') . '/sheets/' . $product->getId() . '.pdf';
        return new BinaryFileResponse($file);
    }

    #[Route('/catalog/hint', methods: ['GET'])]
    public function hint(Request $request): Response
    {
        $hint = $request->query->get('hint', '');
        return new Response('<html><body><p>' . $hint . '</p></body></html>');
    }

    #[Route('/catalog/hint.txt', methods: ['GET'])]
    public function hintText(Request $request): Response
    {
        $hint = $request->query->get('hint', '');
        return new Response('Hint: ' . $hint, 200, ['Content-Type' => 'text/plain', 'X-Content-Type-Options' => 'nosniff']);
    }
}
