/** Attribution of the example photos, required by their licenses. */
export function Footer() {
  return (
    <footer class="footer">
      <p>
        Example photos: “china” by danielbuechele and “flower” by vultilion, CC BY 2.0; coffee by Rachel
        Michetti, CC0; “aitzgorri” by Aitzol Berasategi, CC BY 4.0. Cropped and resized; the after picture is
        an edit.
      </p>
    </footer>
  );
}
