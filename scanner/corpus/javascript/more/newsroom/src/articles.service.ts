import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { DataSource, Repository } from 'typeorm';
import { Article } from './article.entity';

@Injectable()
export class ArticlesService {
  constructor(
    @InjectRepository(Article) readonly repository: Repository<Article>,
    private readonly source: DataSource,
  ) {}

  async inSection(name: string) {
    return this.source.query(`SELECT id, title FROM article WHERE section = '${name}'`);
  }

  async byAuthor(name: string) {
    return this.source.query('SELECT id, title FROM article WHERE author = $1', [name]);
  }

  async search(section: 'world' | 'sport', limit: number) {
    return this.repository
      .createQueryBuilder('a')
      .where(`a.section = '${section}'`)
      .take(limit)
      .getMany();
  }

  async commentsOf(id: number) {
    return this.source.query(`SELECT * FROM comment WHERE article = ${id}`);
  }

  async revisionsOf(id: number) {
    return this.source.query(`SELECT * FROM revision WHERE article = ${id}`);
  }
}
