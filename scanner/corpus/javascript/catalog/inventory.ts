import { Body, Controller, Get, Injectable, Param, ParseIntPipe, Put, Query } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { DataSource, Repository } from 'typeorm';
import { StockItem } from './stock-item.entity';

interface MovementRow {
  at: Date;
  delta: number;
}

@Injectable()
export class InventoryService {
  constructor(
    private readonly db: DataSource,
    @InjectRepository(StockItem) private readonly items: Repository<StockItem>,
  ) {}

  async select<T>(where: string): Promise<T[]> {
    return this.db.query(`SELECT sku, qty, warehouse FROM stock WHERE ${where} ORDER BY sku`);
  }

  async movements(itemId: number): Promise<MovementRow[]> {
    return this.db.query(`SELECT at, delta FROM movements WHERE item_id = ${itemId} ORDER BY at DESC`);
  }

  async load(itemId: number): Promise<StockItem> {
    return this.items.findOneByOrFail({ id: itemId });
  }

  async store(item: StockItem): Promise<StockItem> {
    return this.items.save(item);
  }
}

@Controller('inventory')
export class InventoryController {
  constructor(private readonly inventory: InventoryService) {}

  @Get('stock')
  async stock(@Query('warehouse') warehouse: string): Promise<StockItem[]> {
    const clause = `warehouse = '${warehouse}' AND qty > 0`;
    return this.inventory.select<StockItem>(clause);
  }

  @Get('depleted')
  async depleted(@Query('warehouse') warehouse: string): Promise<StockItem[]> {
    const rows = await this.inventory.select<StockItem>("qty = 0 AND warehouse <> 'returns'");
    return rows.filter((row) => row.warehouse === warehouse);
  }

  @Get(':id/history')
  async history(@Param('id', ParseIntPipe) id: number): Promise<MovementRow[]> {
    return this.inventory.movements(id);
  }

  @Put(':id')
  async rename(@Param('id', ParseIntPipe) id: number, @Body() body: { label?: string }): Promise<StockItem> {
    const item = await this.inventory.load(id);
    if (body.label) {
      item.label = body.label.slice(0, 80);
    }
    return this.inventory.store(item);
  }
}
