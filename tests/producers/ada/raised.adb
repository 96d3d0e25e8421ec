--  SPDX-License-Identifier: Apache-2.0
--  raised WHAT: dies of an exception that nobody handles. gnatmake -g raised.adb -bargs -E (or -Es: with names).
with Ada.Command_Line;

procedure Raised is
   package Shapes is
      Bad_Shape : exception;
      type Numbers is array (1 .. 4) of Integer;
      function Side (Values : Numbers; Which : Integer) return Integer;
      function Area (Sides : Integer; What : String) return Integer;
   end Shapes;

   package body Shapes is
      function Side (Values : Numbers; Which : Integer) return Integer is (Values (Which));

      function Area (Sides : Integer; What : String) return Integer is
         Values : constant Numbers := (1, 2, 3, 4);
         Zero   : constant Integer := Sides - Sides;
      begin
         if What = "index" then
            return Side (Values, Sides);
         elsif What = "divide" then
            return Sides / Zero;
         else
            raise Bad_Shape with "no" & Integer'Image (Sides) & " sides";
         end if;
      end Area;
   end Shapes;

   procedure Draw (What : String) is
      Ignored : Integer;
   begin
      Ignored := Shapes.Area (9, What);
   end Draw;
begin
   Draw (Ada.Command_Line.Argument (1));
end Raised;
