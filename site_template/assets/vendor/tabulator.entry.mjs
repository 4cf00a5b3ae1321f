// What the table of all runs uses of Tabulator.
import {
  FilterModule, FormatModule, InteractionModule, KeybindingsModule, MoveColumnsModule, ResizeColumnsModule,
  ResizeTableModule, SortModule, Tabulator,
} from "tabulator-tables";

Tabulator.registerModule([
  FilterModule, FormatModule, InteractionModule, KeybindingsModule, MoveColumnsModule, ResizeColumnsModule,
  ResizeTableModule, SortModule,
]);
window.Tabulator = Tabulator;
