(* SPDX-License-Identifier: Apache-2.0 *)
(* died WHAT: dies of an exception that nobody handles. ocamlopt -g or ocamlc -g, run with OCAMLRUNPARAM=b. *)
exception Bad_shape of string * int

module Shape = struct
  let side sides which = 1 + sides.(which)

  let[@inline never] area what n =
    match what with
    | "index" -> 1 + side [| 1; 2; 3 |] n
    | "failwith" -> 1 + failwith "no such shape"
    | "custom" -> 1 + raise (Bad_shape ("odd", n))
    | "divide" -> 1 + (n / (n - n))
    | "notfound" -> 1 + List.assoc n []
    | "assert" -> assert (n < 3); 1
    | "again" -> (try 1 + Hashtbl.find (Hashtbl.create 1) n with Not_found as e -> raise e)
    | "finally" -> Fun.protect ~finally:(fun () -> failwith "in finally") (fun () -> n)
    | "map" -> List.fold_left ( + ) 0 (List.map (fun x -> x / (n - n)) [ 1; 2 ])
    | _ -> 0
end

let draw what = Printf.printf "%d\n" (1 + Shape.area what 9)
let () = draw Sys.argv.(1)
