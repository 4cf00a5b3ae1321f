// What the charts use of Vega: not its transforms for maps, networks, trees and Voronoi cells. The interpreter replaces eval.
import { changeset, transforms as known } from "vega-dataflow";
import * as encoding from "vega-encode";
import { expressionInterpreter } from "vega-interpreter";
import { parse } from "vega-parser";
import * as data from "vega-transforms";
import { Error, truthy } from "vega-util";
import { View } from "vega-view";
import * as marks from "vega-view-transforms";

Object.assign(known, data, marks, encoding);
window.vega = { View, changeset, parse, truthy, Error };
window.vegaInterpreter = { expressionInterpreter };
